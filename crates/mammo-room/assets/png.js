// Grey PNG of 16 bits to numbers. The browser's own decoder keeps 8 bits, which would hide what window and level show.

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];

// Bytes of a PNG as { width, height, data: Uint16Array }. Reads what the reading room writes: grey, 16 bits, no
// interlacing, no filters.
export async function decode(buffer) {
  const bytes = new Uint8Array(buffer);
  const view = new DataView(buffer);
  if (SIGNATURE.some((value, i) => bytes[i] !== value)) throw new Error("not a PNG");
  let at = 8;
  let width = 0;
  let height = 0;
  const parts = [];
  while (at + 12 <= bytes.length) {
    const length = view.getUint32(at);
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const body = at + 8;
    if (kind === "IHDR") {
      width = view.getUint32(body);
      height = view.getUint32(body + 4);
      if (bytes[body + 8] !== 16 || bytes[body + 9] !== 0 || bytes[body + 12] !== 0) throw new Error("not grey with 16 bits");
    } else if (kind === "IDAT") {
      parts.push(bytes.subarray(body, body + length));
    } else if (kind === "IEND") {
      break;
    }
    at = body + length + 4;
  }
  const stream = new Blob(parts).stream().pipeThrough(new DecompressionStream("deflate"));
  const raw = new DataView(await new Response(stream).arrayBuffer());
  const row = 1 + 2 * width;
  if (raw.byteLength !== row * height) throw new Error("the PNG is cut short");
  const data = new Uint16Array(width * height);
  for (let y = 0; y < height; y += 1) {
    if (raw.getUint8(y * row) !== 0) throw new Error("a filtered PNG");
    for (let x = 0; x < width; x += 1) data[y * width + x] = raw.getUint16(y * row + 1 + 2 * x);
  }
  return { width, height, data };
}
