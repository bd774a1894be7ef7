// パスキー: asks the device, and sends its answer with the page's own form. Fetches nothing.

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

// What the server asks, as the browser takes it.
const asked = (json) => {
  const { publicKey } = JSON.parse(json);
  publicKey.challenge = bytes(publicKey.challenge);
  if (publicKey.user) publicKey.user.id = bytes(publicKey.user.id);
  for (const known of [publicKey.excludeCredentials ?? [], publicKey.allowCredentials ?? []].flat()) known.id = bytes(known.id);
  return { publicKey };
};

// What the device answers, as the server reads it.
const PARTS = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
const answered = ({ id, rawId, type, response }) => {
  const parts = PARTS.filter((name) => name in response).map((name) => [name, response[name] && text(response[name])]);
  return JSON.stringify({ id, rawId: text(rawId), type, response: Object.fromEntries(parts) });
};

for (const button of window.PublicKeyCredential ? document.querySelectorAll("[data-passkey]") : []) {
  const { form } = button;
  const said = form.querySelector("[data-passkey-said]");
  form.querySelector("[data-no-passkey]")?.remove();
  button.hidden = false;
  button.addEventListener("click", async () => {
    if (button.ariaDisabled) return;
    button.ariaDisabled = "true";
    said.textContent = "";
    try {
      const answer = await navigator.credentials[button.dataset.passkey](asked(button.dataset.asked));
      form.elements.answer.value = answered(answer);
      form.requestSubmit();
    } catch (error) {
      // Stopped by the person, or the device has one already; what else went wrong nobody tells a page.
      said.textContent = error.name === "InvalidStateError" ? said.dataset.known : said.dataset.again;
    }
    button.ariaDisabled = null;
  });
}
