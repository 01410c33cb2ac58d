// A page that shows what lives asks for itself again when an event says that something changed. The stream begins at
// the event that the page was rendered at, so nothing between the two is lost; a cut one goes on where it was.
// A page that nobody sees holds no connection: a browser has few for one server. It goes on when it is seen again.
import htmx from "htmx.org/dist/htmx.esm.js";

// What a person opened stays open, and a form that is on its way stays so, whatever comes.
htmx.config.morphIgnore.push("open", "data-sent");

const QUIET = 250; // ms within which events become one visit of the server
const AGAIN = 1000; // ms until a visit or a stream that failed is tried again; twice as long each time
const LONGEST = 60000;

const page = () => document.querySelector("[data-live]");
const cursor = () => new URL(page().dataset.live, location.href).searchParams.get("after"); // null: it has none

// An answer that is no page of ours, of a proxy that has lost the server, leaves what is shown as it is.
document.addEventListener("htmx:before:swap", (event) => {
  const { ctx } = event.detail;
  if (ctx.select === "#page" && (ctx.response.status >= 500 || !ctx.text.includes('id="page"'))) event.preventDefault();
});

let source = null;
let heard = 0; // the newest event that was told
let again = false; // whether one was told during a visit
let due = null;
let busy = false;
let pause = AGAIN;
let refused = AGAIN; // until the page is asked for again after its stream was refused

async function visit() {
  due = null;
  if (!page()) return;
  busy = true;
  again = false;
  try {
    await htmx.ajax("GET", location.href, { target: "#page", select: "#page", swap: "outerMorph" });
  } catch {
    // The page still shows what was before: it is asked for again.
  }
  busy = false;
  if (!page()) return;
  const behind = cursor() === null ? again : Number(cursor()) < heard;
  if (behind) later(again ? QUIET : pause);
  pause = behind && !again ? Math.min(2 * pause, LONGEST) : AGAIN;
  follow();
}

function later(wait) {
  due ??= setTimeout(visit, wait);
}

function open() {
  source = new EventSource(page().dataset.live);
  source.addEventListener("open", () => (refused = AGAIN));
  // One that was cut opens itself again. One that was refused does not: the page tells why, or leads to the sign-in.
  source.addEventListener("error", ({ target }) => {
    if (target !== source || target.readyState !== EventSource.CLOSED) return;
    source = null;
    later(refused);
    refused = Math.min(2 * refused, LONGEST);
  });
  source.addEventListener("changed", (event) => {
    heard = Math.max(heard, Number(event.lastEventId));
    if (busy) again = true;
    else later(QUIET);
  });
}

function shut() {
  source?.close();
  source = null;
}

function follow() {
  if (document.hidden || !page()) shut();
  else if (!source) open();
}

document.addEventListener("visibilitychange", follow);
window.addEventListener("pageshow", follow);
window.addEventListener("pagehide", shut);
follow();
