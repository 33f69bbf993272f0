def handler(event, context):
    print("one\ntwo\nthree")
    print("left\rright")
