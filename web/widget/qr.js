// Draws a code as one SVG path. Version 5 at least, so that the picture keeps its
// size while the codes change.

import { generate, correction } from '../vendor/lean-qr-2.7.4.mjs';

const SVG = 'http://www.w3.org/2000/svg';

/** qr gives an <svg> for text, without a border: the page gives it room. */
export function qr(text) {
  const code = generate(text, { minCorrectionLevel: correction.M, maxCorrectionLevel: correction.M, minVersion: 5, maxVersion: 10 });
  let d = '';
  for (let y = 0; y < code.size; y++) {
    for (let x = 0; x < code.size; x++) {
      if (!code.get(x, y)) continue;
      const start = x;
      while (code.get(x, y)) x++;
      d += `M${start} ${y}h${x - start}v1h${start - x}z`;
    }
  }
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', `0 0 ${code.size} ${code.size}`);
  svg.setAttribute('shape-rendering', 'crispEdges');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', d);
  svg.append(path);
  return svg;
}
