def handler(event, context):
    remaining = context.get_remaining_time_in_millis()
    client = context.client_context
    context.log("by the context\n")
    return {
        "id": context.aws_request_id,
        "function": [context.function_name, context.function_version, context.invoked_function_arn],
        "memory": context.memory_limit_in_mb,
        "log": [context.log_group_name, context.log_stream_name],
        "remaining": 50000 < remaining <= 60000,
        "identity": [context.identity.cognito_identity_id, context.identity.cognito_identity_pool_id],
        "client": client and [client.custom, client.env, client.client and client.client.app_title],
        "tenant": context.tenant_id,
        "w3c": context.w3c(),
        "text": repr(context)[:15],
    }
