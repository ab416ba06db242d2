// How the waiting page looks. A scene is built anew when it changes; what moves
// within one (code, countdown, progress) is changed in place.

import { h } from './dom.js';
import { qr } from './qr.js';
import * as icon from './icons.js';

/** Which of the four steps a scene belongs to; 4 is behind the last. */
const STEP = { connecting: 0, open: 0, claimed: 1, approved: 2, signing: 2, done: 4 };

/** Scenes that only tell how it ended: their picture. */
const ENDINGS = {
  rejected: icon.cross, expired: icon.clock, cancelled: icon.cross, blocked: icon.shield,
  failed: icon.alert, replaced: icon.windows, gone: icon.clock, offline: icon.broken,
};

export class View {
  /** @param {{cancel: () => void, retry: () => void, leave: () => void}} acts */
  constructor(root, acts) {
    this.acts = acts;
    this.live = h('p', { class: 'yz-hidden', role: 'status', 'aria-live': 'polite' });
    this.title = h('h1', { class: 'yz-title', tabindex: '-1' });
    this.sub = h('p', { class: 'yz-sub' });
    this.steps = h('ol', { class: 'yz-steps' });
    this.body = h('div', { class: 'yz-body' });
    root.classList.add('yz');
    root.replaceChildren(h('section', { class: 'yz-card yz-waiting' },
      h('header', { class: 'yz-head' }, this.title, this.sub), this.steps, this.body, this.live));
  }

  /** speak changes the language. */
  speak(words) {
    this.w = words;
    this.scene = null;
  }

  paint(m) {
    const scene = m.link === 'offline' && m.scene !== 'done' ? 'offline' : m.scene;
    const key = [scene, m.purpose, m.app, m.who, m.match].join('\n');
    if (key !== this.scene) {
      this.scene = key;
      this.build(scene, m);
    }
    this.update(scene, m);
    this.count(m);
  }

  build(scene, m) {
    const held = this.body.contains(document.activeElement);
    this.part = {};
    this.title.textContent = this.w.titles[m.purpose] || this.w.titles[''];
    this.sub.textContent = m.app ? this.w.from(m.app) : '';
    this.walk(scene);
    this.body.className = `yz-body yz-${scene}`;
    this.body.replaceChildren(...(this[`scene_${scene}`] || this.ending).call(this, m, scene));
    this.announce(scene, m);
    if (held && !this.body.contains(document.activeElement)) this.title.focus();
  }

  /** walk marks where in the four steps we are. An ending stays where it happened. */
  walk(scene) {
    if (scene in STEP) this.at = STEP[scene];
    this.steps.classList.toggle('yz-stopped', scene in ENDINGS);
    this.steps.replaceChildren(...this.w.steps.map((name, i) => h('li', {
      class: i < this.at ? 'yz-past' : i === this.at ? 'yz-now' : '', 'aria-current': i === this.at ? 'step' : null,
    }, h('span', { class: 'yz-dot', 'aria-hidden': 'true' }, i < this.at ? icon.check(14) : String(i + 1)), h('span', {}, name))));
  }

  scene_connecting() { return [this.stage(), this.aside(this.how(this.w.scan), this.care())]; }

  scene_open() {
    this.part.notice = h('p', { class: 'yz-notice yz-warn', hidden: true }, icon.alert(20), h('span', {}, this.w.stranger));
    return [this.stage(), this.aside(
      this.part.notice,
      this.how(this.w.scan), this.care(), this.cancel(this.w.cancel, 'yz-plain'))];
  }

  how(steps) { return h('ol', { class: 'yz-how' }, steps.map((text) => h('li', {}, text))); }

  care() { return h('p', { class: 'yz-notice' }, icon.shield(20), h('span', {}, this.w.care)); }

  /** stage is the square where the code appears. Its cover is there whenever the code is not. */
  stage() {
    this.part.frame = h('div', { class: 'yz-frame', role: 'img', 'aria-label': this.w.qr });
    this.part.cover = h('div', { class: 'yz-cover' });
    return h('div', { class: 'yz-stage' }, h('div', { class: 'yz-square' }, this.part.frame, this.part.cover), this.timer());
  }

  scene_claimed(m) {
    const who = m.who || this.w.somebody;
    this.part.notice = h('p', { class: 'yz-notice yz-warn', hidden: true }, icon.alert(20), this.part.wrong = h('span', {}));
    return [
      h('div', { class: 'yz-stage' },
        h('p', { class: 'yz-who' }, icon.phone(20), h('span', {}, this.w.scanned(who))),
        h('p', { class: 'yz-lead' }, this.w.enter),
        h('p', { class: 'yz-number' },
          h('span', { class: 'yz-hidden' }, `${this.w.number} ${spaced(m.match)}`),
          [...(m.match || '···')].map((digit) => h('span', { class: 'yz-digit', 'aria-hidden': 'true' }, digit))),
        this.listen(m.match), this.timer()),
      this.aside(
        this.part.notice,
        this.how(this.w.next),
        h('p', { class: 'yz-text' }, this.w.notYou),
        this.cancel(this.w.stop, 'yz-stop')),
    ];
  }

  /** listen offers the number as speech, where the browser can. */
  listen(match) {
    if (!match || !('speechSynthesis' in window)) return null;
    return h('button', { class: 'yz-button yz-plain', type: 'button', click: () => {
      const words = new SpeechSynthesisUtterance(spaced(match));
      words.lang = this.w.lang;
      words.rate = 0.8;
      speechSynthesis.cancel();
      speechSynthesis.speak(words);
    } }, icon.speaker(18), this.w.listen);
  }

  scene_approved() { return this.result(icon.seal(0.08), this.w.approved, this.w.approvedMore); }

  scene_signing() {
    this.part.ring = h('div', { class: 'yz-ring' });
    this.part.more = h('p', { class: 'yz-text' });
    return [h('div', { class: 'yz-result' }, this.part.ring, h('h2', { class: 'yz-said' }, this.w.signing), this.part.more)];
  }

  scene_done(m) {
    return this.result(icon.seal(1, true), this.w.done[m.purpose] || this.w.done[''], this.w.doneMore[m.purpose] || this.w.doneMore['']);
  }

  ending(m, scene) {
    const more = scene === 'rejected' && m.purpose !== 'stamp' ? this.w.rejectedOther : this.w[`${scene}More`];
    return this.result(h('div', { class: 'yz-sign' }, ENDINGS[scene]?.(40)), this.w[scene], more, this.way(scene));
  }

  /** way is what can be done now. */
  way(scene) {
    if (scene === 'offline') return h('button', { class: 'yz-button yz-first', type: 'button', click: this.acts.retry }, this.w.again);
    if (window.opener) return h('button', { class: 'yz-button', type: 'button', click: this.acts.leave }, this.w.close);
    return null;
  }

  result(picture, said, more, way) {
    return [h('div', { class: 'yz-result' }, picture, h('h2', { class: 'yz-said' }, said), h('p', { class: 'yz-text' }, more), way)];
  }

  aside(...children) { return h('div', { class: 'yz-aside' }, children); }

  cancel(text, kind) {
    // Not disabled: that would throw the focus away.
    return h('p', { class: 'yz-acts' }, h('button', { class: `yz-button ${kind}`, type: 'button', click: (e) => {
      if (e.currentTarget.getAttribute('aria-disabled')) return;
      e.currentTarget.setAttribute('aria-disabled', 'true');
      this.acts.cancel();
    } }, text));
  }

  timer() {
    this.part.time = h('p', { class: 'yz-time', role: 'timer' });
    this.part.bar = h('div', { class: 'yz-bar', 'aria-hidden': 'true' }, h('i', {}));
    return h('div', { class: 'yz-clock' }, this.part.bar, this.part.time);
  }

  update(scene, m) {
    const { frame, cover, notice, wrong, ring, more } = this.part;
    if (frame) this.draw(frame, cover, m);
    if (notice) notice.hidden = scene === 'open' ? !m.stranger : !m.wrong;
    if (wrong && m.wrong && wrong.textContent !== this.w.wrong(m.wrong)) {
      wrong.textContent = this.w.wrong(m.wrong);
      this.live.textContent = wrong.textContent;
    }
    if (ring) {
      ring.replaceChildren(icon.seal(Math.max(m.done / m.total, 0.04)), h('span', { 'aria-hidden': 'true' }, `${m.done}/${m.total}`));
      more.textContent = this.w.signingMore(m.done, m.total);
    }
    this.body.classList.toggle('yz-away', m.link === 'lost');
  }

  draw(frame, cover, m) {
    if (m.qr !== this.drawn || !frame.firstChild) frame.replaceChildren(...(m.qr ? [qr(m.qr)] : []));
    this.drawn = m.qr;
    cover.hidden = Boolean(m.qr);
    const lost = m.link === 'lost' || m.link === 'live' && m.scene === 'open' && m.drawn;
    const said = lost ? [icon.broken(30), h('b', {}, this.w.lost), h('span', {}, this.w.lostMore)] : [h('i', { class: 'yz-spin' }), h('span', {}, this.w.connecting)];
    if (!cover.hidden && cover.dataset.lost !== String(lost)) {
      cover.dataset.lost = String(lost);
      cover.replaceChildren(...said);
      if (lost) this.live.textContent = `${this.w.lost} ${this.w.lostMore}`;
    }
    if (cover.hidden) delete cover.dataset.lost;
  }

  /** count shows the time that is left. */
  count(m) {
    const { time, bar } = this.part;
    if (!time) return;
    const ms = Math.max((m.deadline || 0) - performance.now(), 0);
    const text = m.deadline ? (m.scene === 'claimed' ? this.w.decide : this.w.left)(this.w.time(Math.ceil(ms / 1000))) : '';
    if (time.textContent !== text) time.textContent = text;
    bar.style.setProperty('--yz-part', m.whole ? String(ms / m.whole) : '1');
    bar.classList.toggle('yz-soon', Boolean(m.deadline) && ms < 20_000);
  }

  /** announce tells a new scene to those who listen. */
  announce(scene, m) {
    const said = {
      open: () => this.title.textContent,
      claimed: () => `${this.w.scanned(m.who || this.w.somebody)} ${this.w.enter} ${spaced(m.match)}`,
      connecting: () => this.w.connecting,
      approved: () => this.w.approved,
      signing: () => this.w.signing,
      done: () => this.w.done[m.purpose] || this.w.done[''],
    }[scene] || (() => `${this.w[scene]} ${this.w[`${scene}More`]}`);
    this.live.textContent = said();
  }
}

/** spaced makes a number be read digit by digit. */
function spaced(match) { return [...(match || '')].join(' '); }
