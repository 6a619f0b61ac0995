interface Toast {
  id: number;
  text: string;
  action?: { label: string; run: () => void };
}

class Toasts {
  shown = $state.raw<Toast>();
  private last = 0;

  show(text: string, { action }: { action?: Toast['action'] } = {}): void {
    const id = ++this.last;
    this.shown = { id, text, ...(action && { action }) };
    setTimeout(() => {
      if (this.shown?.id === id) this.shown = undefined;
    }, 6_000);
  }
}
export const toasts = new Toasts();
