// One image, or two side by side with one view: window and level on 16 bits, zoom, pan, marks.

const FULL = { center: 32767.5, width: 65535 };

export class Viewer {
  // `stage` is the element that the canvases fill; `onChange` hears of every change of the view.
  constructor(stage, onChange) {
    this.stage = stage;
    this.onChange = onChange;
    this.panes = [];
    this.window = { ...FULL };
    this.preset = "full";
    this.inverted = false;
    this.smoothed = false;
    this.marking = false;
    this.mark = null;
    this.markPane = 0;
    this.reset();
    new ResizeObserver(() => this.draw()).observe(stage);
    stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    stage.addEventListener("pointerdown", (event) => this.down(event));
    stage.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  // Shows decoded images, left to right, each with its label.
  show(images, labels, fallback) {
    this.stage.replaceChildren();
    this.panes = images.map((image, i) => {
      const figure = document.createElement("figure");
      const canvas = document.createElement("canvas");
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", labels[i] || fallback);
      figure.append(canvas);
      if (labels[i]) {
        const caption = document.createElement("figcaption");
        caption.textContent = labels[i];
        figure.append(caption);
      }
      this.stage.append(figure);
      const pixels = document.createElement("canvas");
      pixels.width = image.width;
      pixels.height = image.height;
      return { image, canvas, pixels, figure };
    });
    this.mark = null;
    this.marking = false;
    this.smoothedBefore = this.smoothed;
    this.resetPlace();
    this.render();
  }

  // A new question about the same image.
  newQuestion() {
    this.mark = null;
    this.marking = false;
    this.smoothedBefore = this.smoothed;
    this.largestZoom = this.scale();
    this.draw();
  }

  reset() {
    this.window = { ...FULL };
    this.preset = "full";
    this.inverted = false;
    this.resetPlace();
    if (this.panes.length) this.render();
  }

  resetPlace() {
    this.zoom = 1;
    this.shift = { x: 0, y: 0 };
    this.largestZoom = this.panes.length ? this.scale() : 0;
  }

  // Screen pixels to an image pixel when the image fills its pane.
  fit() {
    const pane = this.panes[0];
    const box = pane.figure.getBoundingClientRect();
    return Math.min(box.width / pane.image.width, box.height / pane.image.height) || 1;
  }

  scale() {
    return this.fit() * this.zoom;
  }

  presets() {
    const image = this.panes[0].image;
    const inside = image.data.filter((value) => value > 655).sort();
    const at = (share) => inside[Math.floor((inside.length - 1) * share)] || 0;
    const between = (low, high) => ({ center: (low + high) / 2, width: Math.max(high - low, 256) });
    return { full: { ...FULL }, breast: between(at(0.01), at(0.995)), bright: between(at(0.5), at(0.999)) };
  }

  nextPreset() {
    const names = ["full", "breast", "bright"];
    this.usePreset(names[(names.indexOf(this.preset) + 1) % names.length]);
  }

  usePreset(name) {
    this.preset = name;
    this.window = this.presets()[name];
    this.render();
  }

  changeWindow(width, center) {
    this.preset = "own";
    this.window.width = Math.min(Math.max(this.window.width * width, 64), 131070);
    this.window.center = Math.min(Math.max(this.window.center + center * this.window.width, 0), 65535);
    this.render();
  }

  invert() {
    this.inverted = !this.inverted;
    this.render();
  }

  smooth() {
    this.smoothed = !this.smoothed;
    this.smoothedBefore ||= this.smoothed;
    this.draw();
  }

  oneToOne() {
    this.zoom = 1 / (this.fit() * devicePixelRatio);
    this.shift = { x: 0, y: 0 };
    this.draw();
  }

  zoomBy(factor, point) {
    const before = this.scale();
    this.zoom = Math.min(Math.max(this.zoom * factor, 0.1), 60);
    const after = this.scale();
    if (point) {
      this.shift.x = point.x - ((point.x - this.shift.x) * after) / before;
      this.shift.y = point.y - ((point.y - this.shift.y) * after) / before;
    }
    this.draw();
  }

  pan(x, y) {
    this.shift.x += x;
    this.shift.y += y;
    this.draw();
  }

  view() {
    return {
      window_center: Math.round(this.window.center),
      window_width: Math.round(this.window.width),
      inverted: this.inverted,
      smoothed: this.smoothed,
      smoothed_before: Boolean(this.smoothedBefore),
      zoom: Number(this.scale().toFixed(3)),
      largest_zoom: Number(Math.max(this.largestZoom, this.scale()).toFixed(3)),
    };
  }

  // Levels to grey; then the picture is drawn.
  render() {
    const low = this.window.center - this.window.width / 2;
    const factor = 255 / this.window.width;
    for (const pane of this.panes) {
      const { width, height, data } = pane.image;
      const context = pane.pixels.getContext("2d");
      const out = context.createImageData(width, height);
      const grey = new Uint32Array(out.data.buffer);
      for (let i = 0; i < data.length; i += 1) {
        let value = Math.round((data[i] - low) * factor);
        value = value < 0 ? 0 : value > 255 ? 255 : value;
        if (this.inverted) value = 255 - value;
        grey[i] = 0xff000000 | (value << 16) | (value << 8) | value;
      }
      context.putImageData(out, 0, 0);
    }
    this.draw();
  }

  draw() {
    if (!this.panes.length) return;
    const scale = this.scale();
    this.largestZoom = Math.max(this.largestZoom, scale);
    this.panes.forEach((pane, index) => {
      const box = pane.figure.getBoundingClientRect();
      const ratio = devicePixelRatio;
      const [w, h] = [Math.max(1, Math.round(box.width * ratio)), Math.max(1, Math.round(box.height * ratio))];
      if (pane.canvas.width !== w) pane.canvas.width = w;
      if (pane.canvas.height !== h) pane.canvas.height = h;
      const context = pane.canvas.getContext("2d");
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.fillStyle = "#000";
      context.fillRect(0, 0, w, h);
      const place = this.origin(pane, box, scale);
      context.imageSmoothingEnabled = this.smoothed;
      context.imageSmoothingQuality = "high";
      context.drawImage(
        pane.pixels,
        Math.round(place.x * ratio),
        Math.round(place.y * ratio),
        Math.round(pane.image.width * scale * ratio),
        Math.round(pane.image.height * scale * ratio),
      );
      if (this.mark && this.markPane === index) {
        context.strokeStyle = "#ffd166";
        context.lineWidth = 2 * ratio;
        context.beginPath();
        context.arc((place.x + this.mark.x * scale) * ratio, (place.y + this.mark.y * scale) * ratio, 12 * ratio, 0, 7);
        context.stroke();
      }
    });
    this.stage.classList.toggle("marking", this.marking);
    this.onChange();
  }

  origin(pane, box, scale) {
    return {
      x: (box.width - pane.image.width * scale) / 2 + this.shift.x,
      y: (box.height - pane.image.height * scale) / 2 + this.shift.y,
    };
  }

  wheel(event) {
    event.preventDefault();
    if (!this.panes.length) return;
    const figure = event.target.closest("figure");
    const box = (figure || this.panes[0].figure).getBoundingClientRect();
    const point = { x: event.clientX - box.left - box.width / 2, y: event.clientY - box.top - box.height / 2 };
    this.zoomBy(Math.exp(-event.deltaY / 400), point);
  }

  down(event) {
    if (!this.panes.length || event.target.tagName !== "CANVAS") return;
    if (this.marking) {
      this.setMark(event);
      return;
    }
    const moves = event.shiftKey || event.button === 1;
    let last = { x: event.clientX, y: event.clientY };
    const target = event.target;
    target.setPointerCapture(event.pointerId);
    const move = (e) => {
      const [dx, dy] = [e.clientX - last.x, e.clientY - last.y];
      last = { x: e.clientX, y: e.clientY };
      if (moves) this.pan(dx, dy);
      else this.changeWindow(Math.exp(dx / 300), dy / 600);
    };
    target.addEventListener("pointermove", move);
    target.addEventListener("pointerup", () => target.removeEventListener("pointermove", move), { once: true });
  }

  setMark(event) {
    const index = this.panes.findIndex((pane) => pane.canvas === event.target);
    const pane = this.panes[index];
    const box = pane.figure.getBoundingClientRect();
    const scale = this.scale();
    const place = this.origin(pane, box, scale);
    const x = (event.clientX - box.left - place.x) / scale;
    const y = (event.clientY - box.top - place.y) / scale;
    this.marking = false;
    if (x >= 0 && y >= 0 && x <= pane.image.width && y <= pane.image.height) {
      this.mark = { x: Number(x.toFixed(2)), y: Number(y.toFixed(2)) };
      this.markPane = index;
    }
    this.draw();
  }
}
