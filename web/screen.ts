import type { Component } from 'svelte';

/** Parts of an address that a screen is given: `/conversations/:id` gives `id`. */
export interface ScreenProps {
  params: Readonly<Record<string, string>>;
  query: URLSearchParams;
}

/** A screen of an app, which is loaded when it is shown. */
export interface Screen {
  load: () => Promise<{ default: Component<ScreenProps> | Component<Record<string, never>> }>;
  /** Shown to everybody, only to signed-in people, or only to others. */
  for: 'everybody' | 'signed-in' | 'signed-out';
  /** Shown without the rail: joining, signing in, posters. */
  bare?: true;
}
