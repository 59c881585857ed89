// How long a question was looked at, and how much of that nobody moved mouse or keyboard.

export class Clock {
  constructor() {
    this.limit = 60000;
    this.restart();
    for (const name of ["pointermove", "pointerdown", "keydown", "wheel"]) {
      window.addEventListener(name, () => this.touch(), { passive: true, capture: true });
    }
  }

  restart() {
    this.begin = performance.now();
    this.last = this.begin;
    this.idle = 0;
  }

  touch() {
    const now = performance.now();
    this.idle += Math.max(0, now - this.last - this.limit);
    this.last = now;
  }

  // Time between is not counted.
  skip(since) {
    const gap = performance.now() - since;
    this.begin += gap;
    this.last = performance.now();
  }

  read() {
    this.touch();
    return { elapsed_ms: Math.round(performance.now() - this.begin), idle_ms: Math.round(this.idle) };
  }
}
