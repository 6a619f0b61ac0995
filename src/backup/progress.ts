/** Hears how far a step is, as a share from 0 to 1. */
export type Progress = (step: string, share: number) => void;
