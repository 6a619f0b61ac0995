export interface Toast {
  id: number;
  text: string;
  /** One action, such as undo. */
  action?: { label: string; act: () => void } | undefined;
  kind: 'done' | 'problem';
}

const lasts = 6_000;
const most = 3;

/** Short notices at the bottom about the last action. They stay while hovered or focused. */
class Toasts {
  shown = $state.raw<readonly Toast[]>([]);
  private next = 0;
  private readonly timers = new Map<number, ReturnType<typeof setTimeout>>();

  /** Says something for six seconds. */
  say(text: string, action?: Toast['action'], kind: Toast['kind'] = 'done'): void {
    const id = this.next++;
    this.shown = [...this.shown, { id, text, action, kind }].slice(-most);
    this.release(id);
  }

  /** Says that something did not work. */
  problem(text: string, action?: Toast['action']): void {
    this.say(text, action, 'problem');
  }

  end(id: number): void {
    this.hold(id);
    this.shown = this.shown.filter((toast) => toast.id !== id);
  }

  hold(id: number): void {
    clearTimeout(this.timers.get(id));
    this.timers.delete(id);
  }

  release(id: number): void {
    this.hold(id);
    this.timers.set(
      id,
      setTimeout(() => this.end(id), lasts),
    );
  }
}

export const toasts = new Toasts();
