// Runs checks one after the other and prints a line for each, as check.py does.
exports.run = async (title, checks, end = async () => {}) => {
  console.log(`# ${title}`);
  let bad = 0;
  for (const [name, run] of Object.entries(checks)) {
    try {
      await run();
      console.log(`ok ${name}`);
    } catch (error) {
      bad += 1;
      console.error(error);
      console.log(`not ok ${name}: ${[error.message, error.cause?.message].join(' ').split(/\s+/).join(' ').trim()}`);
    }
  }
  await end();
  process.exit(bad ? 1 : 0);
};
