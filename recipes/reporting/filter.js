// Shows the samples of one task (or of all) in the gallery.
const buttons = document.querySelectorAll("button[data-task]");
for (const button of buttons) {
  button.addEventListener("click", () => {
    for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
    for (const section of document.querySelectorAll("section[data-task]")) {
      section.hidden = button.dataset.task !== "" && section.dataset.task !== button.dataset.task;
    }
  });
}
