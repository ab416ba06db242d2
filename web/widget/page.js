// Our own page around the waiting page.
//
// The page token comes in the fragment, which is never sent to a server, or by a
// message from the page that opened this one:
//
//   …/widget/#tkt=<page token>[&from=<origin>]      token in the fragment
//   …/widget/#from=<origin>                         asks its opener for the token
//
// The opener hears {type: "yunzhang-ready"} and answers {type: "yunzhang-token",
// token}; at the end it hears {type: "yunzhang-result", code} and
// {type: "yunzhang-ended", state}. Messages go to and are taken from exactly the
// origin in "from". Whoever writes a wrong one there gets his own ticket shown.

import { open } from './waiting.js';
import { words } from './words.js';

const KEPT = 'yunzhang.resume';

const settings = await (await fetch('settings.json')).json();
const given = new URLSearchParams(location.hash.slice(1));
// The token leaves address bar and history before anything else happens.
history.replaceState(null, '', location.pathname);

let lang = navigator.language;
let page = null;
const from = sameForm(given.get('from'));

dress();
document.getElementById('language').addEventListener('click', () => {
  lang = words(lang).lang === 'en' ? 'zh-CN' : 'en';
  dress();
  page?.say(lang);
});

if (given.get('tkt')) start({ token: given.get('tkt') });
else if (from && window.opener) ask();
else if (sessionStorage.getItem(KEPT)) start({ resume: sessionStorage.getItem(KEPT) });
else start({ token: '-' }); // nothing to show: says that the page has lapsed

function start(credential) {
  sessionStorage.removeItem(KEPT);
  page = open(document.getElementById('waiting'), {
    ...credential, socket: settings.socket, lang,
    onresume: (token) => sessionStorage.setItem(KEPT, token),
    onresult: (code) => tell({ type: 'yunzhang-result', code }),
    onend: (state) => {
      sessionStorage.removeItem(KEPT);
      tell({ type: 'yunzhang-ended', state });
    },
  });
}

function ask() {
  const waiting = document.getElementById('waiting');
  waiting.textContent = words(lang).waiting;
  addEventListener('message', function take(e) {
    if (e.source !== window.opener || e.origin !== from || e.data?.type !== 'yunzhang-token') return;
    removeEventListener('message', take);
    start({ token: String(e.data.token) });
  });
  tell({ type: 'yunzhang-ready' });
}

function tell(message) { if (from) window.opener?.postMessage(message, from); }

/** sameForm gives an origin exactly as browsers write it, or null. */
function sameForm(text) {
  try {
    return text && new URL(text).origin === text ? text : null;
  } catch {
    return null;
  }
}

/** dress says the page's own words in the language. */
function dress() {
  const w = words(lang);
  document.documentElement.lang = w.lang;
  document.title = `${w.name} · ${w.titles['']}`;
  for (const [id, text] of [['name', w.name], ['what', w.what], ['language', w.other]]) document.getElementById(id).textContent = text;
}
