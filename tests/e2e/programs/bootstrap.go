// A runtime of the standard library alone, linked statically.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"runtime"
	"strings"
)

func main() {
	api := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		next, err := http.Get(api + "next")
		if err != nil {
			log.Fatal(err)
		}
		event, err := io.ReadAll(next.Body)
		if err != nil {
			log.Fatal(err)
		}
		next.Body.Close()
		answer := fmt.Sprintf(`{"version":%q,"event":%s}`, runtime.Version(), event)
		response := api + next.Header.Get("Lambda-Runtime-Aws-Request-Id") + "/response"
		taken, err := http.Post(response, "application/json", strings.NewReader(answer))
		if err != nil {
			log.Fatal(err)
		}
		taken.Body.Close()
	}
}
