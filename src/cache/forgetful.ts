/** The cache of a gateway that configures none: it remembers nothing. */
export const forgetful = {
  async recall(): Promise<null> {
    return null;
  },
};
