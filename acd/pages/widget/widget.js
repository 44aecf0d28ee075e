// A chat window for a shop's page, by one script tag:
//
//   <script type="module" src="https://acd.example/chat/widget.js" data-channel="shop"></script>
//
// CHAT.md has what can be said by attributes, `window.acdChat`, and what the shop's policies have to allow. This module puts
// the parts together, and owns nothing else.

import { Calling } from "/chat/calling.js";
import { Chat } from "/chat/chat.js";
import { native } from "/chat/dom.js";
import { Files } from "/chat/files.js";
import { Keeping } from "/chat/keeping.js";
import { Link } from "/chat/link.js";
import { Panel } from "/chat/panel.js";
import { settingsOf } from "/chat/settings.js";
import { Words } from "/chat/words.js";

const READY = "acd-chat-ready";

async function sheetOf(name) {
  const sheet = new CSSStyleSheet(), answer = await fetch(new URL(name, import.meta.url));
  sheet.replaceSync(await answer.text());
  return sheet;
}

function put(settings, words, sheet) {
  const name = `acd-chat:${new URL(import.meta.url).host}:${settings.channel}`;
  const keeping = new Keeping(name, settings.consent, (state) => chat.joinTab(state));
  const chat = new Chat(settings, keeping, draw);
  const link = new Link(import.meta.url, settings.channel, {
    hello: () => chat.hello(),
    hear: (message) => chat.hear(message),
    stranger: () => chat.stranger(),
    changed: draw,
  });
  chat.link = link;
  chat.files = new Files(import.meta.url, settings.channel, {
    token: () => keeping.state.token ?? "",
    sent: (id) => chat.sent(id),
    refused: (id, code) => chat.refused({ id, code }),
    changed: draw,
  });
  const calling = new Calling(new URL(import.meta.url).origin, chat, keeping, settings, draw);
  const panel = new Panel(settings, words, sheet, {
    say: (text) => chat.say(text),
    typing: () => chat.typing(),
    sayAgain: (id) => chat.turns.sayAgain(id),
    sayFiles: (chosen) => chat.turns.sayFiles(chosen),
    drop: (id) => chat.turns.drop(id),
    file: (entry) => chat.files.get(entry.conversation, entry),
    leave: () => chat.leave(),
    rate: (score, comment) => chat.rate(score, comment),
    leaveMessage: (left) => chat.leaveMessage(left),
    startAnother: () => chat.startAnother(),
    call: () => calling.begin(),
    mute: () => calling.mute(),
    hangUp: () => calling.hangUp(),
    play: () => calling.play(),
    looked: (seen) => {
      if (seen) link.start();
      chat.look(seen);
      draw();
    },
  });

  let waits = false;
  // Once for all that comes together.
  function draw() {
    if (waits || !chat.link) return;
    waits = true;
    queueMicrotask(() => {
      waits = false;
      panel.draw(chat, link, calling);
    });
  }

  draw();
  // Whoever has chatted before is told what has come since; of others nobody knows before they open the window.
  if (keeping.state.token) link.start();
  if (calling.wasCalling) {
    panel.open({ focuses: false });
    calling.resume();
  }
  return {
    open: () => panel.open(),
    close: () => panel.close(),
    setVisitor: (visitor) => {
      if (chat.meet(visitor)) calling.drop();
    },
    forget: () => {
      chat.forget();
      calling.drop();
    },
    call: () => (panel.open(), calling.begin()),
    consent: (agrees) => {
      keeping.agree(Boolean(agrees));
      calling.keep(calling.memory);
    },
  };
}

async function begin() {
  const script = [...native("scripts")].find(({ src }) => src === import.meta.url);
  // An element of the page's that is called so is not the window's own.
  if (!script || Object.hasOwn(window, "acdChat")) return;
  const settings = settingsOf(script), words = new Words();
  const [sheet] = await Promise.all([sheetOf("widget.css"), words.load(settings.language)]);
  window.acdChat = Object.freeze(put(settings, words, sheet));
  window.dispatchEvent(new CustomEvent(READY));
}

begin();
