// Conveniences. Every page works without them: a Refresh header follows, forms submit, text copies by hand.
"use strict";

// Follow: fetch the page again and put in the part that may have changed, until it says it is done.
// What the reader has opened stays open, and the focus stays where it is.
function follow(part) {
  const wait = Number(part.dataset.follow) * 1000;
  setTimeout(async () => {
    try {
      const answer = await fetch(location.href, { credentials: "same-origin" });
      const fresh = answer.ok &&
        new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(part.id);
      if (fresh) {
        if (fresh.innerHTML !== part.innerHTML && !part.contains(document.activeElement)) {
          const open = new Set([...part.querySelectorAll("details[open][id]")].map((each) => each.id));
          part.innerHTML = fresh.innerHTML;
          open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
          ready(part);
        }
        if (fresh.dataset.follow) { part.dataset.follow = fresh.dataset.follow; }
        else { delete part.dataset.follow; announce(fresh.dataset.ended); return; }
      }
    } catch { /* the network is away: look again later */ }
    follow(part);
  }, wait);
}

function announce(text) {
  const status = document.getElementById("announcer");
  if (status && text) { status.textContent = text; }
}

function ready(root) {
  root.querySelectorAll("[data-copy]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const source = document.getElementById(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(source.value ?? source.textContent);
      } catch {
        source.closest("details")?.setAttribute("open", "");
        source.select?.();
      }
      announce(button.dataset.copied);
      button.lastChild.textContent = button.dataset.copied;
    });
  });
  root.querySelectorAll(".drawing").forEach((drawing) => {
    const here = drawing.querySelector(".here")?.getBoundingClientRect();
    const box = drawing.getBoundingClientRect();
    if (here) { drawing.scrollLeft += here.left + here.width / 2 - box.left - box.width / 2; }
  });
  root.querySelectorAll(".chart").forEach((chart) => { chart.scrollLeft = chart.scrollWidth; });
  root.querySelectorAll("[data-all]").forEach((box) => {
    box.closest(".tick").hidden = false;
    box.addEventListener("change", () => {
      document.querySelectorAll(`input[name="${box.dataset.all}"]`)
        .forEach((each) => { each.checked = box.checked; });
    });
  });
  root.querySelectorAll("form[data-auto]").forEach((form) => {
    setTimeout(() => form.submit(), Number(form.dataset.auto) * 1000);
  });
}

document.querySelectorAll("[data-follow]").forEach(follow);
ready(document);
