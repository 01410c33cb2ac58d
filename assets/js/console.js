// The text console of a machine: what it prints, and what is typed.
import "./console-styles.js";
import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";

const FIRST = 500; // ms until a connection that was cut is tried again; twice as long each time
const LAST = 10000;
const screen = document.getElementById("console");
const words = document.getElementById("console-words");
document.getElementById("console-frame").hidden = false;

const terminal = new Terminal({ cols: 80, rows: 24, scrollback: 5000, screenReaderMode: true, fontSize: 14 });
const fit = new FitAddon();
terminal.loadAddon(fit);
terminal.open(screen);
fit.fit();
window.addEventListener("resize", () => fit.fit());

// Tab is the guest's; Ctrl and ] leave the terminal, as they leave that of the command line, so that a keyboard is never
// caught in it. (Browsers keep Ctrl, Shift and Tab for themselves.)
terminal.attachCustomKeyEventHandler((event) => {
  if (event.key !== "]" || !event.ctrlKey) return true;
  if (event.type === "keydown") document.querySelector(".tabs a[aria-current]")?.focus();
  return false;
});

let socket = null;
let pause = FIRST;
terminal.onData((text) => {
  if (socket?.readyState === WebSocket.OPEN) socket.send(new TextEncoder().encode(text));
});
terminal.onBinary((text) => {
  if (socket?.readyState === WebSocket.OPEN) socket.send(Uint8Array.from(text, (letter) => letter.charCodeAt(0)));
});

// Why there is no connection: a browser does not tell how a websocket was refused, so the page asks in another way.
async function refused() {
  try {
    const answer = await fetch(screen.dataset.kept, { redirect: "manual" });
    return answer.type === "opaqueredirect" || (answer.status >= 400 && answer.status < 500);
  } catch {
    return false; // the server is away
  }
}

function connect() {
  let opened = false;
  socket = new WebSocket(new URL(screen.dataset.address, location.href.replace(/^http/, "ws")));
  socket.binaryType = "arraybuffer";
  socket.addEventListener("open", () => {
    opened = true;
    pause = FIRST;
    terminal.reset(); // what is kept comes first, again
  });
  socket.addEventListener("message", ({ data }) => {
    if (typeof data === "string") words.textContent = JSON.parse(data).text;
    else terminal.write(new Uint8Array(data));
  });
  socket.addEventListener("close", async ({ code }) => {
    if (code === 1000) return; // it is over, and the last words said why
    if (!opened && (await refused())) {
      words.textContent = "You may not watch this console any more, or its machine is gone. Reload the page.";
      return;
    }
    words.textContent = "The connection to Innkeeper was cut. It is tried again.";
    setTimeout(connect, pause);
    pause = Math.min(pause * 2, LAST);
  });
}
connect();
terminal.focus();
