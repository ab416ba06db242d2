// The verify page: take a file, send it, show the report. Text goes in as text,
// so that nothing in a file or a certificate can become anything else.

import { words } from './words.js';

const $ = (id) => document.getElementById(id);
const KEY = 'yz-lang';

let say = words(saved() || navigator.language);
let limits = null; // what the server takes, once it is known
let current = null; // the file on the screen
let turn = 0; // answers of earlier turns come too late

function saved() {
  try { return localStorage.getItem(KEY); } catch { return null; }
}

function speak() {
  document.documentElement.lang = say.tag;
  document.title = say.page;
  for (const node of document.querySelectorAll('[data-t]')) node.textContent = say[node.dataset.t];
  $('lang').textContent = say.other;
  $('lang').lang = say.otherTag;
  if (!current) return;
  document.querySelector('[data-t=choose]').textContent = say.again;
  $('drop').classList.add('v-again');
}

/** stencil copies a template and gives it with its named places. */
function stencil(id) {
  const copy = $(id).content.cloneNode(true);
  const at = {};
  for (const node of copy.querySelectorAll('[data-f]')) at[node.dataset.f] = node;
  return [copy, at];
}

const SIGNS = { good: 'M15 24.5l6.2 6.2L33.5 18', bad: 'M16 16l16 16M32 16L16 32', open: 'M24 13.5v13M24 33v.2' };
const MARKS = { yes: 'M5 12.5l4.5 4.5L19 7.5', no: 'M6.5 6.5l11 11M17.5 6.5l-11 11', 'not-checked': 'M6 12h12' };

function mood(verdict) {
  if (verdict === 'genuine') return 'good';
  return verdict === 'altered' || verdict === 'invalid' ? 'bad' : 'open';
}

const time = (t) => new Date(t).toLocaleString(say.tag, { dateStyle: 'long', timeStyle: 'medium' });
const day = (t) => new Date(t).toLocaleDateString(say.tag);
const bytes = (n) => (n < 1024 ? `${n} B` : n < 1 << 20 ? `${(n / 1024).toFixed(1)} KiB` : `${(n / (1 << 20)).toFixed(1)} MiB`);

/** holder splits "USCC immediately followed by the name", as seal certificates have it. */
function holder(o) {
  const [, uscc, name] = /^([0-9A-Z]{18})(.+)$/.exec(o || '') || [];
  return name ? `${name} ${uscc}` : o;
}

const commonName = (dn) => /(?:^|,)CN=([^,]+)/.exec(dn || '')?.[1] || dn;

/** facts fills a list of terms; what is not known is left out. */
function facts(list, rows) {
  for (const [term, value, code] of rows) {
    if (!value) continue;
    const [row, at] = stencil('t-fact');
    at.term.textContent = term;
    at.value.textContent = value;
    if (code) at.value.className = 'v-code';
    list.append(row);
  }
}

function checks(list, all) {
  for (const c of all) {
    const [row, at] = stencil('t-check');
    row.firstElementChild.dataset.answer = c.answer;
    at.sign.setAttribute('d', MARKS[c.answer]);
    at.title.textContent = c.title;
    at.answer.textContent = say.answers[c.answer];
    at.reason.textContent = c.reason;
    list.append(row);
  }
}

function stampCard(s, n, total) {
  const [card, at] = stencil('t-stamp');
  const name = s.seal?.name || say.stamp;
  at.name.textContent = total > 1 ? `${n}/${total} ${name}` : name;
  at.chip.textContent = s.title;
  at.chip.dataset.mood = mood(s.verdict);
  const proved = s.evidence?.proved;
  facts(at.facts, [
    [say.organization, holder(s.signer?.organization)],
    [say.code, s.seal?.code, true],
    [say.time, s.time && time(s.time)],
    [say.page_, s.page && say.at(s.page)],
    [say.issuer, commonName(s.signer?.issuer)],
    [say.maker, holder(s.seal?.maker?.organization)],
    [say.application, proved?.application],
    [say.slot, proved?.slots && say.nth(s.evidence.slot, proved.slots)],
  ]);
  at.heading.textContent = say.checks;
  checks(at.checks, s.checks);
  return card;
}

function sealCard(r) {
  const [card, at] = stencil('t-stamp');
  at.name.textContent = r.seal?.name || say.seal;
  at.chip.textContent = r.title;
  at.chip.dataset.mood = mood(r.verdict);
  facts(at.facts, [
    [say.code, r.seal?.code, true],
    [say.maker, holder(r.seal?.maker?.organization)],
    [say.valid, r.seal && `${day(r.seal.valid_from)} – ${day(r.seal.valid_to)}`],
  ]);
  at.heading.textContent = say.checks;
  checks(at.checks, r.checks);
  return card;
}

function show(file, r) {
  const [head, at] = stencil('t-verdict');
  const feel = mood(r.verdict);
  at.box.dataset.mood = feel;
  at.box.dataset.verdict = r.verdict;
  at.sign.setAttribute('d', SIGNS[feel]);
  at.title.textContent = r.title;
  at.words.textContent = r.reason || r.words;
  for (const note of r.notes) {
    const li = document.createElement('li');
    li.textContent = note;
    at.notes.append(li);
  }
  facts(at.facts, [[say.file, file.name], [say.size, bytes(r.size)], [say.checked, time(r.checked_at)], [say.sm3, r.sm3, true]]);
  const stamps = r.stamps || [];
  const cards = r.kind === 'seal' ? [sealCard(r)] : stamps.map((s, i) => stampCard(s, i + 1, stamps.length));
  $('result').replaceChildren(head, ...cards);
  $('result').hidden = false;
  $('verdict').focus();
  $('result').scrollIntoView({ block: 'start', behavior: 'instant' });
}

function trouble(text) {
  $('trouble').textContent = text;
  $('trouble').hidden = !text;
}

async function limitOf(file) {
  limits ??= await fetch('v1/verify').then((res) => res.json());
  return /\.esl$/i.test(file.name) ? limits.seal : limits.document;
}

/** ask sends the file and gives the report, or throws what to say. */
async function ask(file) {
  if (!file.size) throw say.empty;
  let res;
  try {
    const limit = await limitOf(file);
    if (file.size > limit) throw say.large(Math.floor(limit / (1 << 20)));
    const type = /\.esl$/i.test(file.name) ? 'application/octet-stream' : 'application/pdf';
    res = await fetch('v1/verify', { method: 'POST', body: file, headers: { 'Content-Type': type, 'Accept-Language': say.tag } });
  } catch (e) {
    throw typeof e === 'string' ? e : say.network;
  }
  const answer = await res.json().catch(() => ({}));
  if (!res.ok) throw answer.detail || answer.title || say.network;
  return answer;
}

async function check(file) {
  const mine = ++turn;
  current = file;
  speak();
  trouble('');
  $('result').hidden = true;
  $('busy').textContent = say.busy(file.name);
  $('busy').hidden = false;
  try {
    const report = await ask(file);
    if (mine === turn) show(file, report);
  } catch (text) {
    if (mine === turn) trouble(String(text));
  }
  if (mine === turn) $('busy').hidden = true;
}

function listen() {
  const drop = $('drop');
  $('file').addEventListener('change', (e) => { if (e.target.files[0]) check(e.target.files[0]); e.target.value = ''; });
  drop.addEventListener('submit', (e) => e.preventDefault());
  for (const name of ['dragenter', 'dragover']) {
    addEventListener(name, (e) => { e.preventDefault(); drop.classList.add('v-over'); });
  }
  addEventListener('dragleave', (e) => { if (!e.relatedTarget) drop.classList.remove('v-over'); });
  addEventListener('drop', (e) => {
    e.preventDefault();
    drop.classList.remove('v-over');
    const file = e.dataTransfer.files[0];
    if (file) check(file);
  });
  $('lang').addEventListener('click', () => {
    say = words(say.otherTag);
    try { localStorage.setItem(KEY, say.tag); } catch { /* it is asked again next time */ }
    speak();
    if (current) check(current);
  });
}

speak();
listen();
