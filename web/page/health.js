// What all workers said about themselves, as rows and in one sentence. Pure.

/**
 * One row for each log that a part of a worker follows, or for the worker if it follows none; by worker.
 * @param {object[]} answers to admin.health, one of each process
 */
export function rowsOf(answers) {
  const workers = [...answers].sort((a, b) => a.worker.localeCompare(b.worker) || a.started - b.started);
  return workers.flatMap((worker) => {
    const about = { worker: worker.worker, ready: worker.ready, why: worker.why ?? "", started: worker.started, instance: `${worker.host}/${worker.pid}` };
    const rows = (worker.parts ?? []).flatMap(({ name, standing = "", positions = {} }) => {
      const logs = Object.entries(positions);
      const of = { ...about, worker: nameOf(worker.worker, name), standing };
      return logs.length === 0 ? [{ ...of, log: "", applied: null, lag: null }] : logs.map(([log, { applied, end }]) => ({ ...of, log, applied, lag: Math.max(0, end - applied) }));
    });
    return rows.length === 0 ? [{ ...about, standing: "", log: "", applied: null, lag: null }] : rows;
  });
}

function nameOf(worker, part) {
  return part === worker ? worker : `${worker} (${part})`;
}

/** The newest complaints of all workers, newest first: { worker, time, level, text }. */
export function complaintsOf(answers, max = 20) {
  const all = answers.flatMap(({ worker, complaints = [] }) => complaints.map((complaint) => ({ worker, ...complaint })));
  return all.sort((a, b) => b.time - a.time).slice(0, max);
}
