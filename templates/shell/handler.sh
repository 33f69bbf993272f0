# The event is on standard input; what is printed is the answer, and what goes to standard error is logged.
handler() {
  name=$(sed -n 's/.*"name" *: *"\([^"\\]*\)".*/\1/p' | head -n 1)
  echo "greeting ${name:-world}" >&2
  printf '{"statusCode": 200, "body": "Hello, %s!\\n"}' "${name:-world}"
}
