// Comfort only: every page works without this file.

// A refused form: bring the reader to the list of what to change.
document.getElementById("error-summary")?.focus();

// On wide screens the conditions stand beside the results, so they are open from the start.
const wide = window.matchMedia("(min-width: 60rem)");
const fold = () => {
  for (const panel of document.querySelectorAll("details[data-open-wide]")) {
    panel.open = wide.matches;
  }
};
if (wide.matches) fold();
wide.addEventListener("change", fold);

// How many characters are left; spoken only when typing rests.
for (const note of document.querySelectorAll("[data-counts]")) {
  const box = document.getElementById(note.dataset.counts);
  const now = note.querySelector(".length-now");
  if (!box || !now) continue;
  now.setAttribute("aria-live", "polite");
  let rest;
  const count = () => {
    // A line break travels as two characters but is counted as one here, as on the server.
    const left = Number(note.dataset.longest) - [...box.value].length;
    const words = left < 0 ? note.dataset.over : note.dataset.left;
    now.textContent = words.replace("{n}", String(Math.abs(left)));
    note.classList.toggle("length-over", left < 0);
  };
  box.addEventListener("input", () => {
    clearTimeout(rest);
    rest = setTimeout(count, 400);
  });
}

// Matches are being made: look again soon, then less often, and not for ever. Where there are
// cards to read already, what answers an action stays until its reader leaves.
const answered = document.querySelector(".flashes") && document.querySelector(".card-match");
const waiting = answered ? null : document.querySelector("[data-look-again]");
if (waiting) {
  const tries = Number(sessionStorage.getItem("tries") || 0);
  sessionStorage.setItem("tries", String(tries + 1));
  if (tries < 15) {
    setTimeout(() => location.reload(), 1000 * Number(waiting.dataset.lookAgain) * (1 + tries / 5));
  }
} else {
  sessionStorage.removeItem("tries");
}
