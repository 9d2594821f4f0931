// Code under test: it connects a queue with a function, unless they are connected already.
const {
  LambdaClient,
  CreateEventSourceMappingCommand,
  ResourceConflictException,
  paginateListEventSourceMappings,
} = require("@aws-sdk/client-lambda");

async function main(queueArn, functionName) {
  const client = new LambdaClient({});
  try {
    await client.send(
      new CreateEventSourceMappingCommand({ EventSourceArn: queueArn, FunctionName: functionName }),
    );
    console.log("created");
  } catch (error) {
    if (!(error instanceof ResourceConflictException)) throw error;
    console.log(`${error.name} after ${error.$metadata.attempts} attempt`);
  }
  const query = { FunctionName: functionName, MaxItems: 1 };
  for await (const page of paginateListEventSourceMappings({ client }, query))
    for (const mapping of page.EventSourceMappings) console.log(mapping.EventSourceArn);
}

main(...process.argv.slice(2));
