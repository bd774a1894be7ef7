// A page of something under way: looks every two seconds how far it is, says so at every tenth of it, and loads itself anew at
// the end. Without it the page has a link that does the same.
const PAUSE_MS = 2000;
const bar = document.querySelector("progress[data-progress]");
const text = document.getElementById("progress-text");
const status = document.getElementById("progress-status");
let said = Math.floor(Number(bar?.value ?? 0) / 10);

const look = async () => {
  const answer = await fetch(bar.dataset.progress, { redirect: "manual" }).catch(() => null);
  // Logged out meanwhile: the page itself leads to log-in.
  if (answer?.type === "opaqueredirect") return location.reload();
  if (answer?.ok) {
    const now = await answer.json();
    if (now.is_over) return location.reload();
    bar.value = now.percent;
    text.textContent = now.text;
    const step = Math.floor(now.percent / 10);
    if (step !== said) status.textContent = now.text;
    said = step;
  }
  setTimeout(look, PAUSE_MS);
};
if (bar) setTimeout(look, PAUSE_MS);
