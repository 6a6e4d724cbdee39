// <yrt-show-password>: a button inside the password field that shows what was typed. Without this
// script there is just the field. Words come from data-*; hiding again before the form is sent keeps
// browsers from remembering the password as an ordinary text.
customElements.define(
  'yrt-show-password',
  class extends HTMLElement {
    connectedCallback() {
      this.input = this.querySelector('input');
      this.button = document.createElement('button');
      this.button.type = 'button';
      this.button.className = 'reveal-button';
      this.button.setAttribute('aria-controls', this.input.id);
      this.status = document.createElement('span');
      this.status.className = 'visually-hidden';
      this.status.setAttribute('role', 'status');
      this.append(this.button, this.status);
      this.show(false);
      this.button.addEventListener('click', () => {
        this.show(this.input.type === 'password');
        this.status.textContent = this.dataset[this.input.type === 'text' ? 'shown' : 'hidden'];
      });
      this.input.form?.addEventListener('submit', () => this.show(false));
    }

    show(visible) {
      this.input.type = visible ? 'text' : 'password';
      this.button.textContent = visible ? this.dataset.hide : this.dataset.show;
      this.button.setAttribute('aria-label', this.dataset[visible ? 'hideLabel' : 'showLabel']);
    }
  },
);
