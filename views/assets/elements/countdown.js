// <yrt-countdown data-seconds>: while the lock lasts, the button in it is off and counts down. The
// running number is not announced; that it is over, is.
customElements.define(
  'yrt-countdown',
  class extends HTMLElement {
    connectedCallback() {
      this.button = this.querySelector('button');
      this.label = this.button.textContent;
      this.status = document.createElement('p');
      this.status.className = 'countdown-status';
      this.status.setAttribute('role', 'status');
      this.append(this.status);
      this.button.disabled = true;
      this.endsAt = Date.now() + Number(this.dataset.seconds) * 1000;
      this.tick();
    }

    disconnectedCallback() {
      clearTimeout(this.timer);
    }

    tick() {
      const left = Math.ceil((this.endsAt - Date.now()) / 1000);
      if (left <= 0) return this.finish();
      const minutes = String(Math.floor(left / 60)).padStart(2, '0');
      const seconds = String(left % 60).padStart(2, '0');
      this.button.textContent = this.dataset.waiting.replace('MM:SS', `${minutes}:${seconds}`);
      this.timer = setTimeout(() => this.tick(), 500);
    }

    finish() {
      this.button.disabled = false;
      this.button.textContent = this.label;
      this.status.textContent = this.dataset.done;
    }
  },
);
