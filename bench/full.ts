export interface FullResult {
  readonly x: number;
}
