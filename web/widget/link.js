// The socket of a waiting page: attach with the page token, come back with resume
// tokens, notice silence. It knows messages and nothing of how they look.

const FINAL = new Set(['done', 'rejected', 'ended']);

/** Close codes after which coming back is pointless, and what they mean. */
const LAST_WORDS = new Map([[4404, 'gone'], [4409, 'replaced'], [4410, 'gone'], [4400, 'gone']]);

const FIRST_TRIES = 3;      // before the first hello: the token may be used up or lapsed
const GIVE_UP = 120_000;    // ms without a word before the person is asked
const HEARTBEATS = 2.5;     // missed ones before a silent socket is given up

export class Link {
  /**
   * @param {{socket: string, token?: string, resume?: string,
   *   onmessage: (m: object) => void, onstatus: (s: string) => void,
   *   onresume?: (token: string) => void}} options
   * Statuses: connecting, live, lost, offline (waits for retry), gone, replaced, over.
   */
  constructor(options) {
    this.options = options;
    this.token = options.token;
    this.resume = options.resume;
    this.seen = 0;
    this.failures = 0;
    this.greeted = false;
    this.beat = 15;
    this.heard = performance.now();
    this.finished = false;
    this.wake = () => { if (this.timer) this.connect(); };
    addEventListener('online', this.wake);
    this.watch = setInterval(() => this.listen(), 1000);
  }

  connect() {
    clearTimeout(this.timer);
    this.timer = 0;
    if (this.finished) return;
    const credential = this.resume ? `res.${this.resume}` : `tkt.${this.token}`;
    const ws = new WebSocket(this.options.socket, ['cseal.v1', credential]);
    this.ws = ws;
    this.heard = performance.now();
    this.since ??= this.heard;
    ws.onmessage = (e) => { if (ws === this.ws) this.receive(e.data); };
    ws.onclose = (e) => { if (ws === this.ws) this.closed(e.code); };
  }

  receive(data) {
    let m;
    try { m = JSON.parse(data); } catch { return; }
    if (m.v !== 1) return;
    this.heard = performance.now();
    this.since = null;
    if (m.type === 'hello') this.hello(m);
    if (m.seq > 0) {
      if (m.seq <= this.seen) return;
      this.seen = m.seq;
      this.say({ type: 'ack', seq: m.seq });
    }
    this.options.onmessage(m);
    if (FINAL.has(m.type)) this.finish('over');
  }

  hello(m) {
    this.failures = 0;
    this.greeted = true;
    this.beat = m.hb || this.beat;
    this.resume = m.resume || this.resume;
    this.options.onresume?.(this.resume);
    this.say({ type: 'ack', seq: this.seen });
    this.options.onstatus('live');
  }

  say(m) {
    if (this.ws?.readyState === WebSocket.OPEN) this.ws.send(JSON.stringify({ v: 1, ...m }));
  }

  cancel() { this.say({ type: 'cancel' }); }

  /** listen gives up a socket that has said nothing for too long. */
  listen() {
    if (this.finished || this.timer || !this.ws) return;
    if (performance.now() - this.heard > this.beat * 1000 * HEARTBEATS) this.drop();
  }

  drop() {
    const ws = this.ws;
    this.ws = null;
    ws?.close();
    this.closed(1006);
  }

  closed(code) {
    if (this.finished) return;
    const last = LAST_WORDS.get(code);
    if (last) return this.finish(last);
    this.failures++;
    if (!this.greeted && this.failures >= FIRST_TRIES) return this.finish('gone');
    this.since ??= performance.now();
    if (performance.now() - this.since > GIVE_UP) return this.options.onstatus('offline');
    this.options.onstatus('lost');
    this.timer = setTimeout(() => this.connect(), this.pause(code));
  }

  /** pause spreads pages that lost one server over time. */
  pause(code) {
    if (code === 1012) return Math.random() * 3000;
    return Math.min(500 * 2 ** (this.failures - 1), 10_000) * (0.5 + Math.random());
  }

  retry() {
    this.failures = 0;
    this.since = null;
    this.options.onstatus('connecting');
    this.connect();
  }

  finish(status) {
    if (this.finished) return;
    this.finished = true;
    clearTimeout(this.timer);
    clearInterval(this.watch);
    removeEventListener('online', this.wake);
    this.options.onstatus(status);
    if (status !== 'over') this.ws?.close();
  }
}
