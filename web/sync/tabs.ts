/** Things that tabs of one app tell each other. */
export type TabNews =
  | { kind: 'outbox' | 'drafts' | 'signed-out' | 'signed-in' | 'updated' }
  /** A conversation that was looked at, so that its notifications can go. */
  | { kind: 'seen'; conversationId: string };

/** The other tabs of this app in this browser. */
export class Tabs {
  private readonly channel: BroadcastChannel;
  private readonly listeners = new Set<(news: TabNews) => void>();

  constructor(app: string) {
    this.channel = new BroadcastChannel(`colloquio-${app}`);
    this.channel.addEventListener('message', ({ data }: MessageEvent<TabNews>) => {
      for (const listener of this.listeners) listener(data);
    });
  }

  tell(news: TabNews): void {
    this.channel.postMessage(news);
  }

  /** Calls with what other tabs tell. Gives the function that ends it. */
  listen(listener: (news: TabNews) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
}
