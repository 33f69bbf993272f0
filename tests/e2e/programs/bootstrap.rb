# A runtime of the standard library alone.
require "net/http"

host, port = ENV["AWS_LAMBDA_RUNTIME_API"].split(":")
api = "/2018-06-01/runtime/invocation"
Net::HTTP.start(host, port.to_i, read_timeout: nil) do |http|
  loop do
    event = http.get("#{api}/next")
    answer = %({"version":"#{RUBY_VERSION}","event":#{event.body}})
    http.post("#{api}/#{event["Lambda-Runtime-Aws-Request-Id"]}/response", answer)
  end
end
