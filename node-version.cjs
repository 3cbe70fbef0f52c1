// Loaded before the first TypeScript file, which an older Node would refuse with a riddle.
const needed = 24;
if (Number(process.versions.node.split(".")[0]) < needed) {
  console.error(
    `Trunkline needs Node ${needed} or newer and this is ${process.version}: on Linux (glibc) \`npm ci\` brings its own, elsewhere please install one.`,
  );
  process.exit(1);
}
