// What pages gain from a script; none needs it. Never changes a field while somebody types.

// What has to be mended comes first: for the eye, the keyboard and the screen reader.
document.getElementById("errs")?.focus();

// Links of the summary lead into the field, not only to it.
for (const link of document.querySelectorAll("#errs a[href^='#f-']")) {
  link.addEventListener("click", (event) => {
    const field = document.getElementById(link.hash.slice(1));
    if (!field) return;
    event.preventDefault();
    field.focus();
    field.closest(".field")?.scrollIntoView({ block: "nearest" });
  });
}

// 表示 / 非表示
for (const button of document.querySelectorAll("[data-reveal]")) {
  const field = document.getElementById(button.dataset.reveal);
  const word = button.firstChild;
  button.hidden = false;
  const show = (shown) => {
    field.type = shown ? "text" : "password";
    word.textContent = shown ? "非表示" : "表示";
  };
  button.addEventListener("click", () => show(field.type === "password"));
  // Never sent as text: browsers would remember it as such.
  field.form?.addEventListener("submit", () => show(false));
}

// One click sends once. The server bears a second one; the person would only wait twice. After Stop, or where no answer
// came, the page stays as it is and its form must not be dead: the guard ends by itself.
const GUARD_MS = 5000;
const fresh = (form) => {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
};
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    for (const button of form.querySelectorAll("button:not([type=button])")) button.setAttribute("aria-disabled", "true");
    setTimeout(fresh, GUARD_MS, form);
  });
}

// A form that answers with a file leaves its page as it stood, with what was wrong before: here it is told that the file has come,
// or that it has not. It is asked for once: a server that fails has enough to do.
const told = (kind, text) => {
  const note = document.createElement("div");
  note.className = `note ${kind}`;
  note.append(Object.assign(document.createElement("p"), { textContent: text }));
  document.querySelector("[data-saved-told]")?.replaceChildren(note);
};
const mended = (form) => {
  document.getElementById("errs")?.remove();
  document.title = document.title.replace(/^エラー：/, "");
  for (const part of form.querySelectorAll(".msg")) part.remove();
  for (const part of form.querySelectorAll(".bad")) part.classList.remove("bad");
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  for (const field of form.querySelectorAll("[type=password]")) field.value = "";
};
const save = async (form) => {
  const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  // Refused, or no longer logged in: the page to which that leads says so.
  if (answer.redirected) return location.assign(answer.url);
  if (!answer.ok && answer.headers.get("content-type")?.startsWith("text/html")) {
    const page = await answer.text();
    document.open();
    document.write(page);
    return document.close();
  }
  if (!answer.ok) throw new Error(answer.status);
  const name = /filename\*=UTF-8''([^;]+)/.exec(answer.headers.get("content-disposition") ?? "");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name ? decodeURIComponent(name[1]) : "";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  mended(form);
  fresh(form);
  told("ok", "保存しました。ファイルは、お使いの機器のダウンロードの場所に入っています。");
};
for (const form of document.querySelectorAll("form.saves")) {
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    event.preventDefault();
    document.querySelector("[data-saved-told]")?.replaceChildren();
    save(form).catch(() => {
      fresh(form);
      told("err", "保存できませんでした。インターネットの接続を確かめ、しばらくしてから、もう一度お試しください。");
    });
  });
}

// Back from the page cache the form is fresh again.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) fresh(form);
});

// A link to what stands in a closed part opens it.
const openNamed = () => {
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let part = named?.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
};
addEventListener("hashchange", openNamed);
openNamed();

// On paper nothing can be opened any more.
addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details:not([open])")) {
    part.open = true;
    part.dataset.printed = "";
  }
});
addEventListener("afterprint", () => {
  for (const part of document.querySelectorAll("details[data-printed]")) {
    part.open = false;
    delete part.dataset.printed;
  }
});

// 印刷する
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.parentElement.querySelector("[data-no-print]")?.remove();
  button.addEventListener("click", () => print());
}
