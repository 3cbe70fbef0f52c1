export interface PeersResult {
  readonly x: number;
}
