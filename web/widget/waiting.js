// The waiting page: a code to scan, then a number to copy, then the result.
//
//   import { open } from '…/widget/waiting.js';
//   const page = open(element, { socket, token, lang, onresult, onend });
//
// It can stand in a page of ours or of a declaration system, which then also
// loads ui/ui.css and widget/waiting.css. It writes no markup from strings, no
// style attributes, and keeps the tokens to itself.

import { Link } from './link.js';
import { words } from './words.js';
import { View } from './view.js';

/** A code is covered when the socket was silent for so long (protocol.md §2.10). */
const SILENCE = 6000;

/**
 * open shows the ticket of a token in element.
 *
 * @param {Element} element emptied and used
 * @param {{socket: string, token?: string, resume?: string, lang?: string,
 *   onresult?: (code: string) => void, onend?: (state: string) => void,
 *   onresume?: (token: string) => void}} options
 *   onresult gets the result code, once; onend how it ended; onresume each new
 *   resume token, for a page that wants to survive being loaded again.
 */
export function open(element, options) {
  const page = new Waiting(element, options);
  page.link.connect();
  return { close: () => page.close(), say: (lang) => page.say(lang) };
}

class Waiting {
  constructor(element, options) {
    this.options = options;
    this.model = { scene: 'connecting', link: 'connecting', purpose: '', app: '' };
    this.link = new Link({
      socket: options.socket, token: options.token, resume: options.resume, onresume: options.onresume,
      onmessage: (m) => this.message(m), onstatus: (s) => this.status(s),
    });
    this.view = new View(element, {
      cancel: () => this.link.cancel(), retry: () => this.link.retry(), leave: () => window.close(),
    });
    this.say(options.lang || navigator.language);
    this.clock = setInterval(() => this.tick(), 500);
  }

  say(lang) {
    this.view.speak(words(lang));
    this.paint();
  }

  paint() { this.view.paint(this.model); }

  set(changes) {
    Object.assign(this.model, changes);
    this.paint();
  }

  message(m) {
    const take = this[`on_${m.type}`];
    if (take) take.call(this, m);
  }

  on_hello(m) {
    const scene = { issued: 'open', open: 'open', claimed: 'claimed', approved: 'approved', signing: 'signing' }[m.state];
    this.set({
      purpose: m.purpose || this.model.purpose, app: m.app || this.model.app,
      scene: scene || this.model.scene, deadline: due(m.ttl_ms), whole: m.ttl_ms,
    });
  }

  on_qr(m) { this.set({ scene: 'open', qr: m.qr, drawn: performance.now() }); }

  on_claimed(m) {
    this.set({
      scene: 'claimed', who: m.who, match: m.match, wrong: 0, qr: null, stranger: false,
      deadline: due(m.decide_ms), whole: m.decide_ms,
    });
  }

  on_wrong_subject() { this.set({ stranger: true }); }

  on_match_wrong(m) { this.set({ wrong: m.tries_left }); }

  on_approved() { this.set({ scene: 'approved', match: null }); }

  on_signing(m) { this.set({ scene: 'signing', done: m.done || 0, total: m.total || 1 }); }

  on_done(m) {
    this.set({ scene: 'done', qr: null, match: null });
    if (m.result_code) this.options.onresult?.(m.result_code);
    this.options.onend?.('done');
  }

  on_rejected() {
    this.set({ scene: 'rejected', match: null });
    this.options.onend?.('rejected');
  }

  on_ended(m) {
    this.set({ scene: m.state, qr: null, match: null });
    this.options.onend?.(m.state);
  }

  status(s) {
    if (s === 'over') return this.set({ link: s });
    if (s === 'gone' || s === 'replaced') return this.set({ link: s, scene: s, qr: null, match: null });
    // A code that nobody renews any more must not be scanned.
    this.set(s === 'live' ? { link: s } : { link: s, qr: null });
  }

  /** tick moves the countdown and covers a code that has gone stale. */
  tick() {
    if (this.model.qr && performance.now() - this.link.heard > SILENCE) this.set({ qr: null });
    this.view.count(this.model);
  }

  close() {
    clearInterval(this.clock);
    this.link.finish('over');
    this.link.ws?.close();
  }
}

function due(ms) { return ms > 0 ? performance.now() + ms : 0; }
