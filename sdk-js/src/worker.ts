// What a VerifierPool's workers run in a page.
import { serve } from "./serve.js";

const scope = globalThis as unknown as { onmessage: (e: MessageEvent) => void; postMessage(message: unknown): void };
const answer = serve(scope);
scope.onmessage = (e) => answer(e.data);
