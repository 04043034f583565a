-- wrk -s post.lua URL -- BODY NAME:VALUE...: posts a file; says what happened in one line.
function init(args)
   wrk.method = "POST"
   local file = io.open(args[1], "rb")
   wrk.body = file:read("*a")
   file:close()
   for number = 2, #args do
      local name, value = args[number]:match("^([^:]+):(.*)$")
      wrk.headers[name] = value
   end
end

function done(summary, latency, requests)
   local e = summary.errors
   io.write(string.format("result %d %d %d %d %d %d\n", summary.requests, summary.duration,
      e.connect + e.read + e.write + e.status + e.timeout,
      latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
