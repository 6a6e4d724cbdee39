// <yrt-focus-here>: puts the focus on the message in it when the page opens, so that a keyboard or
// screen reader starts there. Without this script role="alert" and the page's title tell the same.
customElements.define(
  'yrt-focus-here',
  class extends HTMLElement {
    connectedCallback() {
      this.querySelector('[tabindex]')?.focus({ preventScroll: false });
    }
  },
);
