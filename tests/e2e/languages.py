"""The same small functions in every managed language."""

from functions import create, node, python

RUNTIME = {"python": "python3.11", "node": "nodejs20.x"}

ECHO = {
    "python": """
        def handler(event, context):
            print("event for", context.function_name)
            return {"event": event, "id": context.aws_request_id}
    """,
    "node": """
        exports.handler = async (event, context) => {
          console.log("event for", context.functionName);
          return { event, id: context.awsRequestId };
        };
    """,
}

# Does what the event says, so that one function shows every failure.
WISH = {
    "python": """
        import ctypes, json, os, signal, sys, tempfile, time

        calls = 0

        def handler(event, context):
            global calls
            calls += 1
            wish = event.get("do")
            if wish == "raise":
                raise ValueError(event.get("text", "wrong"))
            if wish == "sleep":
                time.sleep(event["seconds"])
            if wish == "exit":
                os._exit(event["code"])
            if wish == "signal":
                os.kill(os.getpid(), event["number"])
                time.sleep(10)
            if wish == "memory":
                hog = []
                while True:
                    hog.append(bytearray(8 * 1024 * 1024))
            if wish == "large":
                return "x" * event["size"]
            if wish == "print":
                print(event["text"])
            if wish == "unserialisable":
                return {1, 2}
            if wish == "flood":
                end = time.time() + event["seconds"]
                while time.time() < end:
                    print("y" * 1000)
            if wish == "tmp":
                path = os.path.join(tempfile.gettempdir(), "count")
                count = int(open(path).read()) if os.path.exists(path) else 0
                open(path, "w").write(str(count + 1))
                return count + 1
            return {"calls": calls, "pid": os.getpid(), "id": event.get("id")}
    """,
    "node": """
        const fs = require("fs");
        let calls = 0;
        const sleep = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

        exports.handler = async (event, context) => {
          calls += 1;
          switch (event.do) {
            case "raise": {
              const error = new Error(event.text ?? "wrong");
              error.name = "ValueError";
              throw error;
            }
            case "sleep": await sleep(event.seconds); break;
            case "exit": process.exit(event.code);
            case "signal": process.kill(process.pid, event.number); await sleep(10); break;
            case "memory": {
              const hog = [];
              for (;;) hog.push(Buffer.alloc(8 * 1024 * 1024, 1));
            }
            case "large": return "x".repeat(event.size);
            case "print": console.log(event.text); break;
            case "unserialisable": { const a = {}; a.a = a; return a; }
            case "flood": {
              const end = Date.now() + event.seconds * 1000;
              while (Date.now() < end) { console.log("y".repeat(1000)); await sleep(0); }
              break;
            }
            case "tmp": {
              const path = require("os").tmpdir() + "/count";
              const count = fs.existsSync(path) ? Number(fs.readFileSync(path)) : 0;
              fs.writeFileSync(path, String(count + 1));
              return count + 1;
            }
          }
          return { calls, pid: process.pid, id: event.id };
        };
    """,
}


def package_of(language, code):
    return python(code) if language == "python" else node(code)


def deploy(client, language, code, **settings):
    """Creates a function from one of the tables above and returns its name."""
    return create(client, package_of(language, code[language]), runtime=RUNTIME[language], **settings)
