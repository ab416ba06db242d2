// Line drawings, 24 units wide, drawn with the colour of the text around them.

import { s } from './dom.js';

const draw = (size, ...paths) => s('svg', {
  viewBox: '0 0 24 24', width: size, height: size, fill: 'none', stroke: 'currentColor', 'stroke-width': 1.8,
  'stroke-linecap': 'round', 'stroke-linejoin': 'round', 'aria-hidden': 'true', focusable: 'false',
}, paths.map((d) => s('path', { d })));

export const check = (size = 20) => draw(size, 'M5 12.5l4.5 4.5L19 7.5');
export const cross = (size = 20) => draw(size, 'M6.5 6.5l11 11M17.5 6.5l-11 11');
export const clock = (size = 20) => draw(size, 'M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17z', 'M12 7.5V12l3 2');
export const shield = (size = 20) => draw(size, 'M12 3l7 2.6v5.6c0 4.4-2.9 7.8-7 9.8-4.1-2-7-5.4-7-9.8V5.6z', 'M9 12l2.2 2.2L15.2 10');
export const alert = (size = 20) => draw(size, 'M12 4l9 16H3z', 'M12 10v4.2', 'M12 17.2v.1');
export const broken = (size = 20) => draw(size, 'M4 9.5a11.5 11.5 0 0 1 16 0', 'M7.5 13a6.5 6.5 0 0 1 9 0', 'M12 17.2v.1', 'M4 4l16 16');
export const speaker = (size = 20) => draw(size, 'M4.5 9.5v5h3.2L12 18V6L7.7 9.5z', 'M15.2 9.2a4 4 0 0 1 0 5.6', 'M17.6 6.8a7.4 7.4 0 0 1 0 10.4');
export const windows = (size = 20) => draw(size, 'M8 4h12v12H8z', 'M16 16v4H4V8h4');
export const phone = (size = 20) => draw(size, 'M7.5 2.8h9a1.2 1.2 0 0 1 1.2 1.2v16a1.2 1.2 0 0 1-1.2 1.2h-9A1.2 1.2 0 0 1 6.3 20V4a1.2 1.2 0 0 1 1.2-1.2z', 'M10.8 18.3h2.4');

/** seal is the big ring: part of it drawn while stamping, whole with a tick when done. */
export function seal(part, done) {
  const round = 2 * Math.PI * 52;
  const ring = (r, width, extra) => s('circle', { cx: 60, cy: 60, r, fill: 'none', 'stroke-width': width, ...extra });
  return s('svg', { viewBox: '0 0 120 120', class: done ? 'yz-seal yz-pressed' : 'yz-seal', 'aria-hidden': 'true', focusable: 'false' },
    ring(52, 5, { class: 'yz-seal-ground' }),
    ring(52, 5, { class: 'yz-seal-ink', 'stroke-dasharray': `${round * part} ${round}`, transform: 'rotate(-90 60 60)' }),
    done && ring(44.5, 1.5, { class: 'yz-seal-ink' }),
    done && s('path', { class: 'yz-seal-tick', d: 'M40 61.5l14 14 27-29', fill: 'none' }));
}
