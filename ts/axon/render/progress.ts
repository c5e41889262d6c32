/** How far one file is. `start` again begins the next file; `aside` lets a line pass the bar. */
export interface Progress {
  start(name: string, totalBytes: number | null): void;
  at(bytes: number): void;
  stop(): void;
  aside(write: () => void): void;
}

export const noProgress: Progress = {
  start: () => undefined,
  at: () => undefined,
  stop: () => undefined,
  aside: (write) => write(),
};
