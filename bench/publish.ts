export async function publish(): Promise<void> {}
