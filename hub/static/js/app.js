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

// Matches are being made: look again soon, then less often, and not for ever. A section that waits
// is exchanged alone, so that nobody is thrown back who works elsewhere on the page. Where there are
// cards to read already, what answers an action stays until its reader leaves.
const answered = document.querySelector(".flashes") && document.querySelector(".card-match");

const lookAgain = () => {
  const waiting = answered ? null : document.querySelector("[data-look-again]");
  if (!waiting) {
    sessionStorage.removeItem("tries");
    return;
  }
  const tries = Number(sessionStorage.getItem("tries") || 0);
  sessionStorage.setItem("tries", String(tries + 1));
  if (tries < 15) {
    const section = waiting.closest("section[aria-labelledby]");
    setTimeout(
      () => (section ? exchange(section) : location.reload()),
      1000 * Number(waiting.dataset.lookAgain) * (1 + tries / 5),
    );
  }
};

const exchange = async (section) => {
  try {
    const answer = await fetch(location.href);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(section.getAttribute("aria-labelledby"))?.closest("section");
    if (fresh && !section.contains(document.activeElement)) section.replaceWith(fresh);
  } catch {
    // The next look may find what this one did not.
  }
  lookAgain();
};

lookAgain();
