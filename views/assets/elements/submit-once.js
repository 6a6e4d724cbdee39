// <yrt-submit-once>: after a form in it was sent, its buttons are off and the pressed one says so.
// When the browser brings the page back (Back button), they work again.
customElements.define(
  'yrt-submit-once',
  class extends HTMLElement {
    connectedCallback() {
      this.sent = false;
      this.addEventListener('submit', (event) => {
        if (this.sent) event.preventDefault();
        this.sent = true;
        // Later, because a button that is off when the form is read does not send its value.
        setTimeout(() => this.turnOff(event.target, event.submitter), 0);
      });
      window.addEventListener('pageshow', (event) => {
        if (event.persisted) window.location.reload();
      });
    }

    turnOff(form, pressed) {
      for (const button of form.elements) {
        if (button.localName === 'button') button.disabled = true;
      }
      if (!pressed) return;
      pressed.textContent = this.dataset.sending;
      pressed.removeAttribute('aria-label');
    }
  },
);
