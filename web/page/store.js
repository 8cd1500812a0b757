// What the page knows. Whoever learns something says so here; everything is shown anew with the next frame, however much changed.

export class Store {
  state;

  #show = () => {};
  #drawing = false;

  /** @param {object} state to begin with */
  constructor(state) {
    this.state = state;
  }

  /** @param {(state: object) => void} show is called at most once a frame from now on */
  showWith(show) {
    this.#show = show;
    this.update({});
  }

  update(patch) {
    Object.assign(this.state, patch);
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#show(this.state);
    });
  }
}
