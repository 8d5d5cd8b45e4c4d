/** Which of our faces an answer was given in, for the audit trail. */

import { createContext } from "preact";

export type ViaName = "notebook" | "sidebar" | "page";

export const Via = createContext<ViaName>("notebook");
