// From the fields of the form for a new bot to its file. The market checks the file; nothing is checked here. Pure.

/** Values that a condition of the form can compare; the language has many more. */
export const VALUES = ["last", "bid", "ask", "spread", "change(1m)", "change(5m)", "volume(1m)", "rsi(14, 1m)", "sma(20, 1m)", "position", "unrealized"];
export const COMPARISONS = [">=", "<=", "crosses above", "crosses below"];
export const PRICES = ["market", "bid", "ask", "mid"];

/** Every strategy with its parameters and what they are when the file does not say; bots/registry.py has them, too. */
export const STRATEGIES = {
  "market-maker": { levels: 10, spread: 10, quantity: 0, lean: 0.5, volatility: 1 },
  "avellaneda-stoikov": { levels: 10, spread: 10, quantity: 0, lean: 0.5, volatility: 1, risk_aversion: 0.02, horizon: 10, decay: 0.8, insight: 0.5 },
  noise: { rate: 1, quantity: 0, patient: 0.3, patience: 20 },
  "trend-follower": { interval: 3, most: 0.1, slice: 0.1, quick: 20, slow: 120, threshold: 0.001 },
  "mean-reversion": { interval: 3, most: 0.1, slice: 0.1, average: 300, threshold: 0.004 },
  fundamental: { interval: 3, most: 0.1, slice: 0.1, half_life: 3600, deviation: 0.02, news: 6, jump: 0.004, shock: 0, shock_after: 120, threshold: 0.004 },
  twap: { quantity: 1000, duration: 600, interval: 10 },
  vwap: { quantity: 1000, participation: 0.1, interval: 5 },
  "momentum-ignition": { interval: 0.5, most: 0.1, slice: 0.25, ignite: 10, sell: 30, rest: 200 },
  arbitrageur: { interval: 1, average: 600, threshold: 0.003, most: 0.1 },
};
export const RELATED = "arbitrageur"; // The one strategy that needs a second symbol.

/**
 * @typedef {object} BotFields everything as it was typed
 * @property {"rules" | "strategy"} made of which the bot is made
 * @property {string} name @property {string} symbol
 * @property {string} value @property {string} comparison @property {string} number
 * @property {"buy" | "sell"} side @property {string} quantity @property {string} price
 * @property {string} gain @property {string} loss of the position it opened, at which it is closed; empty for never
 * @property {string} again how long after that it begins anew; empty for never
 * @property {string} positionMax @property {string} lossMax
 * @property {string} strategy @property {Record<string, string>} parameters @property {string} related
 */

/** The bot's file. @param {BotFields} fields */
export function fileOf(fields) {
  const lines = [`bot: ${scalar(fields.name || "my-bot")}`, `symbol: ${scalar(fields.symbol)}`];
  const limits = [["position", fields.positionMax], ["loss", fields.lossMax]].filter(([, text]) => text !== "");
  if (limits.length > 0) lines.push(`limits: {${limits.map(item).join(", ")}}`);
  lines.push(...(fields.made === "strategy" ? strategyLines(fields) : ruleLines(fields)));
  return `${lines.join("\n")}\n`;
}

function ruleLines({ value, comparison, number, side, quantity, price, gain, loss, again }) {
  const at = price === "market" ? "at market" : `at ${price}`;
  const lines = ["rules:", `  - when: ${scalar(`${value} ${comparison} ${number}`)}`, `    do: ${scalar(`${side} ${quantity} ${at}`)}`];
  const ends = [gain && `unrealized >= ${gain}`, loss && `unrealized <= -${loss}`].filter(Boolean);
  if (ends.length > 0) lines.push("    then:", `      - when: ${scalar(ends.join(" or "))}`, "        do: flatten");
  if (again !== "") lines.push(`    again: ${scalar(`after ${again}`)}`);
  return lines;
}

function strategyLines({ strategy, parameters, related }) {
  const lines = [`strategy: ${strategy}`];
  if (related !== "") lines.push(`related: ${scalar(related)}`);
  const given = Object.entries(parameters).filter(([, text]) => text !== "");
  if (given.length > 0) lines.push(`parameters: {${given.map(item).join(", ")}}`);
  return lines;
}

/** Text as YAML takes it: as it is where that is plain, in quotes otherwise (a string of JSON is one of YAML). */
export function scalar(text) {
  const plain = /^[A-Za-z0-9_.(-][A-Za-z0-9 _.,()<>=+*/%-]*$/.test(text) && !/^- | $/.test(text);
  return plain ? text : JSON.stringify(text);
}

/** The same within braces, where a comma ends it. */
function item([name, text]) {
  return `${name}: ${text.includes(",") ? JSON.stringify(text) : scalar(text)}`;
}
