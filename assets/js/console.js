// The text console of a machine: what it prints, and what is typed.
import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";

const screen = document.getElementById("console");
const words = document.getElementById("console-words");
const terminal = new Terminal({ cols: 80, rows: 24, scrollback: 5000, screenReaderMode: true, fontSize: 14 });
const fit = new FitAddon();
terminal.loadAddon(fit);
terminal.open(screen);
fit.fit();
window.addEventListener("resize", () => fit.fit());

let socket = null;
let pause = 500;
terminal.onData((text) => {
  if (socket?.readyState === WebSocket.OPEN) socket.send(text);
});

function connect() {
  socket = new WebSocket(new URL(screen.dataset.address, location.href.replace(/^http/, "ws")));
  socket.binaryType = "arraybuffer";
  socket.addEventListener("open", () => {
    pause = 500;
    terminal.reset();
  });
  socket.addEventListener("message", ({ data }) => {
    if (typeof data === "string") words.textContent = JSON.parse(data).text;
    else terminal.write(new Uint8Array(data));
  });
  socket.addEventListener("close", ({ code }) => {
    if (code === 1000) return; // it is over, and the last words said why
    words.textContent = "The connection to Innkeeper was cut. It is tried again.";
    setTimeout(connect, pause);
    pause = Math.min(pause * 2, 10000);
  });
}
connect();
terminal.focus();
