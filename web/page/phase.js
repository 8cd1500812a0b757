// What a symbol's phase is, and what an auction would give now, in words. Pure.

import { formatPrice, formatQuantity } from "./money.js";
import { PHASES } from "./texts.js";

/**
 * @param {object | null} status
 * @param {number} tick
 * @returns {{ level: "open" | "auction" | "stopped" | "unknown", word: string, detail: string }}
 */
export function phaseOf(status, tick) {
  if (status === null) return { level: "unknown", word: "", detail: "" };
  const { phase = "continuous", reason = "" } = status;
  const word = PHASES[phase];
  if (phase === "continuous") return { level: "open", word, detail: "" };
  if (phase === "halted" || phase === "closed") return { level: "stopped", word, detail: reason };
  return { level: "auction", word, detail: auctionWords(status, tick) };
}

function auctionWords({ indicative_price: price = 0, indicative_volume: volume = 0, imbalance = 0, imbalance_side: side = "" }, tick) {
  if (price === 0) return PHASES.noIndicative;
  const words = [PHASES.indicative(formatPrice(price, tick), formatQuantity(volume))];
  if (imbalance > 0) words.push(PHASES.imbalance[side](formatQuantity(imbalance)));
  return words.join(", ");
}
