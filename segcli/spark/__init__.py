"""segcli's jobs on Spark: map, check and send an archive that outgrows one machine.

    import segcli.spark

    outcomes = segcli.spark.transform(spark, "s3://bucket/segment-logs/", dest="gist")
    outcomes.where("state = 'rejected'").groupBy("reason").count().show()

Spark lists no files, reads no lines and maps nothing: its tasks do that with segcli's own reader
and mapping. `segcli guide spark` describes it. Only this room imports pyspark and pyarrow.
"""

from segcli.spark.notebook import check, send, transform

__all__ = ["check", "send", "transform"]
