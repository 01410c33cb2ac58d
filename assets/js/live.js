// A page that shows what lives asks for itself again when an event says that something changed. The stream begins at
// the event that the page was rendered at, so nothing between the two is lost; a cut one goes on where it was.
import htmx from "htmx.org/dist/htmx.esm.js";

// What a person opened stays open, and a form that is on its way stays so, whatever comes.
htmx.config.morphIgnore.push("open", "data-sent");

const QUIET = 250; // ms within which events become one visit of the server

function follow(page) {
  const source = new EventSource(page.dataset.live);
  let due = null;
  let busy = false;
  let again = false;
  async function visit() {
    due = null;
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      await htmx.ajax("GET", location.href, { target: "#page", select: "#page", swap: "outerMorph" });
    } finally {
      busy = false;
      if (again) {
        again = false;
        later();
      }
    }
  }
  function later() {
    if (due === null) due = setTimeout(visit, QUIET);
  }
  source.addEventListener("changed", later);
  source.addEventListener("open", () => page.dispatchEvent(new CustomEvent("innkeeper:live")));
  window.addEventListener("pagehide", () => source.close(), { once: true });
}

const page = document.querySelector("[data-live]");
if (page) follow(page);
