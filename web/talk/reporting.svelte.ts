interface Question {
  /** The business that sent the message. */
  name: string;
  report: () => Promise<void>;
}

/** The question whether a service message was advertising; `Questions.svelte` shows it. */
class Reporting {
  asked = $state.raw<Question>();
  private done = $state.raw<ReadonlySet<string>>(new Set());

  ask(question: Question): void {
    this.asked = question;
  }

  close(): void {
    this.asked = undefined;
  }

  /** As far as this page knows: the service tells nobody who has reported. */
  isReported(conversationId: string, seq: number): boolean {
    return this.done.has(`${conversationId}/${seq}`);
  }

  reported(conversationId: string, seq: number): void {
    this.done = new Set([...this.done, `${conversationId}/${seq}`]);
  }
}

export const reporting = new Reporting();
