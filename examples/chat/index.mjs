// A chatbot that answers token by token, as language models do: each token reaches the client when it is written.
//
//   hearth dev examples/chat
//   hearth invoke chat --stream -d '{"message": "Hello, my name is Ada"}'
//
// Behind a function URL with InvokeMode RESPONSE_STREAM it sends server-sent events, which browsers read as they come.
import { setTimeout as pause } from "node:timers/promises";

const PAUSE_MS = Number(process.env.TOKEN_PAUSE_MS ?? 80);

const RULES = [
  [/\bmy name is (\w+)/i, (name) => `Nice to meet you, ${name}! What would you like to talk about?`],
  [/\bi (?:am|feel) ([^.!?]+)/i, (state) => `How long have you been ${state.trim()}, and what would change it?`],
  [/\b(?:hello|hi|good (?:morning|evening))\b/i, () => "Hello! Tell me what is on your mind."],
  [/\b(?:bye|goodbye)\b/i, () => "Goodbye. It was good to talk to you."],
  [/\?\s*$/, () => "That is a good question. What do you think yourself?"],
];

export const handler = awslambda.streamifyResponse(async (event, responseStream, context) => {
  const overHttp = event.requestContext?.http !== undefined;
  let stream = responseStream;
  let message;
  try {
    ({ message } = overHttp ? JSON.parse(body(event)) : event);
  } catch {
    message = undefined;
  }
  if (overHttp) {
    const statusCode = message === undefined ? 400 : 200;
    const headers = { "content-type": "text/event-stream", "cache-control": "no-store" };
    stream = awslambda.HttpResponseStream.from(responseStream, { statusCode, headers });
  }
  console.log(`Answering request ${context.awsRequestId}`);
  for (const token of tokens(answer(message))) {
    stream.write(overHttp ? `data: ${JSON.stringify({ token })}\n\n` : token);
    await pause(PAUSE_MS);
  }
  stream.end();
});

function body({ body = "", isBase64Encoded = false }) {
  return isBase64Encoded ? Buffer.from(body, "base64").toString() : body;
}

function answer(message) {
  if (typeof message !== "string") {
    return 'Send me {"message": "Hello"} and I will answer.';
  }
  for (const [pattern, reply] of RULES) {
    const found = message.match(pattern);
    if (found) {
      return reply(...found.slice(1));
    }
  }
  return "I see. Please tell me more about that.";
}

/** Words, each with the space behind it. */
function tokens(text) {
  return text.match(/\S+\s*/g);
}
